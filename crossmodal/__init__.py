"""crossmodal: one defect on one surface, in millimetres, seen by RGB, depth and point cloud alike."""
