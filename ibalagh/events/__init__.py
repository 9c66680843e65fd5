"""The events and commands of Ibalagh as immutable models: the vocabulary that all services share.

Start with `envelope` (what every event carries), then `vocabulary` (the closed lists), then one module per topic
family: `reports`, `dialogue`, `cases`, `commands`, `statistics`. `registry` says which type goes to which topic.
"""
