// `node ledger/contracts/compile.cjs` compiles Anchor.sol with the solc of package.json and prints anchor.json.
const fs = require("fs");
const path = require("path");
const solc = require("solc");

const settings = {
  evmVersion: "paris", // runs on chains that know no younger instructions
  metadata: { appendCBOR: false, bytecodeHash: "none" }, // the same bytes wherever the source lies
  optimizer: { enabled: true, runs: 10000 },
};
const source = fs.readFileSync(path.join(__dirname, "Anchor.sol"), "utf8");
const input = {
  language: "Solidity",
  sources: { "Anchor.sol": { content: source } },
  settings: { ...settings, outputSelection: { "*": { "*": ["abi", "evm.bytecode.object"] } } },
};
const { contracts, errors = [] } = JSON.parse(solc.compile(JSON.stringify(input)));
if (errors.length) {
  console.error(errors.map((error) => error.formattedMessage).join("\n"));
  process.exit(1);
}
const { abi, evm } = contracts["Anchor.sol"].Anchor;
const compiled = { compiler: solc.version(), settings, abi, bytecode: "0x" + evm.bytecode.object };
process.stdout.write(JSON.stringify(compiled, null, 1) + "\n");
