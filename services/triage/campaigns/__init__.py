"""Flood control: the copies of a campaign are one item of the queue, with a count, and none is lost. `grouping` says
which report belongs to which campaign, `decisions` what a decision about one is, `store` keeps them, `desk` does both
in the desk's transaction, `http` shows them.
"""
