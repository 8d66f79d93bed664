"""The page that visitors see: tabs, controls and their events."""
