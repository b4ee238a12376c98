"""Clouds alone: read, turned outwards, charted, and made defective by the same fields as captures."""
