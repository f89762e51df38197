"""A mailbox: takes mail by SMTP, shows it in the browser."""
