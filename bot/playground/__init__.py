"""The playground: one web page on which a newcomer plays the customer and the whole house, with made-up data."""
