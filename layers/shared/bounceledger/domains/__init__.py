"""What DNS says about mail for a domain, and how a probe comes about.

A reply's claim about a domain (`claims`) or a day that has come (`rechecks`) becomes a
request in a queue (`probe_requests`); `prober` answers it. `probe` looks the records up with
a `resolver`, which puts each question to a server (`lookup`); `judge` and `routability` read
the answers, `alternates` tries the domains above.

Nothing is suppressed here: a probe records what DNS said, and `state.decide` draws the
conclusion whenever an address is looked up.
"""
