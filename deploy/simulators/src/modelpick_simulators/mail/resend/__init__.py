"""Resend's HTTP interface; what it accepts lies in the same mailbox as mail by SMTP."""
