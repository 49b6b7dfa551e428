"""What a reply of a mail server says about the recipient."""
