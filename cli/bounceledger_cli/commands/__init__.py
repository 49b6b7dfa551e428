"""One module per command; `bounceledger_cli.main.COMMANDS` names them."""
