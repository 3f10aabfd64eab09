// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// Keeps, for each log, the newest size and root that were written here, and tells of each in an event. What stands
/// here can only be gone on from: a log that is shortened or rewritten afterwards contradicts it for everybody to
/// see. It holds no money, calls nobody, and cannot be exchanged for another.
contract Anchor {
    struct Head {
        bytes32 root;
        uint64 size;
    }

    /// Says who may anchor; whoever deployed this, for good.
    address public immutable owner;
    mapping(address anchorer => bool) public isAnchorer;
    mapping(bytes32 origin => Head) private heads;

    /// `origin` is the SHA-256 of the log's name.
    event Anchored(bytes32 indexed origin, uint64 size, bytes32 root, bytes32 prevRoot);
    event AnchorerChanged(address indexed anchorer, bool allowed);

    error NotOwner(address caller);
    error NotAnchorer(address caller);
    error SizeNotGreater(uint64 last, uint64 size);
    error RootNotPrevious(bytes32 last, bytes32 prevRoot);

    constructor() {
        owner = msg.sender;
        isAnchorer[msg.sender] = true;
        emit AnchorerChanged(msg.sender, true);
    }

    /// Allow somebody to anchor, or no longer.
    function setAnchorer(address anchorer, bool allowed) external {
        if (msg.sender != owner) revert NotOwner(msg.sender);
        isAnchorer[anchorer] = allowed;
        emit AnchorerChanged(anchorer, allowed);
    }

    /// Write down a log's size and root. `prevRoot` is the root that stands here, 0 for a log's first.
    function anchor(bytes32 origin, uint64 size, bytes32 root, bytes32 prevRoot) external {
        if (!isAnchorer[msg.sender]) revert NotAnchorer(msg.sender);
        Head storage head = heads[origin];
        uint64 last = head.size;
        if (size <= last) revert SizeNotGreater(last, size);
        bytes32 lastRoot = head.root;
        if (prevRoot != lastRoot) revert RootNotPrevious(lastRoot, prevRoot);
        head.size = size;
        head.root = root;
        emit Anchored(origin, size, root, prevRoot);
    }

    /// Return the newest size and root of a log, both 0 if it has none.
    function latest(bytes32 origin) external view returns (uint64 size, bytes32 root) {
        Head storage head = heads[origin];
        return (head.size, head.root);
    }
}
