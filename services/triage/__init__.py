"""Triage: what a report is about, how urgent it is, what identifies the act; and the desk of those who decide when the
machine is unsure.

`decide` is the pure middle (`normalise`, `variety`, `rules`, `taxonomy`, `entities`, `places` feed it), `reviews` the
desk's pure rules, `handlers` the adapters to the stream, `store` the database, `http` and `console` what people use.
"""
