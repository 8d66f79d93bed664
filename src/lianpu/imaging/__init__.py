"""Array functions: pictures, colours, geometry, masks, filters and compositing."""
