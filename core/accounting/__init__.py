"""The ledger behind the papers: balanced entries, their lettering, and the files that accountants take in."""
