"""A mailbox: takes mail by SMTP and by Resend's HTTP interface, shows it in the browser."""
