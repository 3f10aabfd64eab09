"""What the ledger reaches outside its database: files, other nodes, a chain."""
