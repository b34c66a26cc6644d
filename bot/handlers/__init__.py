"""What happens at a press, a command or a text: each function is one act of one person."""
