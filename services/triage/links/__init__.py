"""Which reports belong together. `policy` says what joins, `plan` what that makes of a batch, `rulings` what people say
about it; `store` keeps it, `desk` does it in the desk's transaction, `http` shows it.
"""
