"""Arrays only: pictures, colours, geometry, masks, filters and compositing, each thing once."""
