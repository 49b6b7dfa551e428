"""``make demo-audit``: 90 days of made-up mail to lead sources whose true rates are known.

`sources` says what is true of each source, `leads` draws its leads and their messages, `ses_events`
is what SES would publish about them, `dns` answers for their domains, and `deployment` is the
system in this process. `season` runs the days, `audited` asks for the audit, and `judging`
compares it with the truth.
"""
