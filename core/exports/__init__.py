"""What leaves as files: spreadsheets, structured orders, the hand-over files of ERPs."""
