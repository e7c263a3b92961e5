"""Expression by cell type, gene and donor, as tables that another tool made."""
