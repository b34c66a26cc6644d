"""The demo: a sample supplier whose whole trade is played on real components."""
