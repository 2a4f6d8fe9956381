"""``/hooks/SERVICE/LIST``: events of hosted services and MTAs.  (docs/contract.md, section 9)"""
