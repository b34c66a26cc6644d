"""A Telegram Bot API server of our own: the demo, the tests and a page talk to it instead of to Telegram."""
