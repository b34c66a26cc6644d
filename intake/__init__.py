"""The way in: mail and chat become one `Incoming`, a reading, matched lines, a draft."""
