"""The front: Telegram, cards, pushes, the command line and the sandbox the demo runs in."""
