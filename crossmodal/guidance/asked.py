"""x"""
def planned_rows(p):
    return [(d.kind, ", ".join(f"{n.removesuffix('_mm')} {getattr(d.spec,n)[0]:.3g}" for n in d.spec.sizes), " ".join(f"{1e3*x:.1f}" for x in d.anchor_m)) for d in p.defects]
