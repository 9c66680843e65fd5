"""The rules as data: one YAML file per idea. `source` reads and checks them, `matcher` makes the automaton of them.

A file may hold `concepts` (name → variety → patterns, and `negatable: true` where a negation right before it takes the
word back), `rules` and `urgency` (what a set of concepts speaks for), `organisations` and `negators`.

A pattern is a word or phrase, matched on folded text: whole words; `*` at the end takes any ending; `{5-17}` stands for
each number. In Arabic script the first word may carry what Arabic and Darija write in one piece with it (و، ب، ال، ي)
unless the pattern begins with `=`; in Darija written in Latin letters `~` at the beginning allows the same (kay, gha),
and digits stand for their usual other spellings. A capital letter, accent or Arabic-Indic digit makes no difference.
"""
