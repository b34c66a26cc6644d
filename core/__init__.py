"""The trade: every table, state and verb of the order desk, its documents and its jobs."""
