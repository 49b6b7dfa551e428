"""What a mail server's reply says about the recipient. No side effects.

`reply` takes a diagnostic apart, `masking` hides from rules what a stranger named in it,
`traits` says what rules may ask about it, `matcher` finds patterns, `engine` picks the rule,
`classifier` makes the verdict and `meanings` explains it. `compiled` loads the rules that run;
`rule_file` checks the file in which people write them.
"""
