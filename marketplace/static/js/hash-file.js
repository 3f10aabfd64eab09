// Hashes a file in the browser and sends only the hash; without this module the form sends the file itself.

const form = document.querySelector("[data-hash-in-browser]");
const input = form?.querySelector("input[type=file]");
const status = form?.querySelector("[data-hash-status]");

async function verify(file) {
  status.textContent = file.name;
  const digest = await crypto.subtle.digest("SHA-256", await file.arrayBuffer());
  const hex = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
  location.assign(`${form.action}?q=${hex}`);
}

if (form && crypto.subtle) {
  for (const part of form.querySelectorAll("[data-when-local]")) part.hidden = false;
  for (const part of form.querySelectorAll("[data-when-sent]")) part.hidden = true;
  input.addEventListener("change", () => input.files.length && verify(input.files[0]));
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("dragover", (event) => {
    event.preventDefault();
    form.classList.add("over");
  });
  form.addEventListener("dragleave", () => form.classList.remove("over"));
  form.addEventListener("drop", (event) => {
    event.preventDefault();
    form.classList.remove("over");
    if (event.dataTransfer.files.length) verify(event.dataTransfer.files[0]);
  });
}
