"""The error tree. Adapters translate vendor errors into these; handlers see nothing else.

ModelPickError
├── TransientError          try again later: network, overload, a lost connection
│   └── BrokerUnavailableError
├── PermanentError          trying again changes nothing
│   └── InvalidMessageError
└── SettingsError           the operator must change a setting
"""


class ModelPickError(Exception):
    """Base of every error that this project raises on purpose."""


class TransientError(ModelPickError):
    """Trying the same again later may succeed."""


class BrokerUnavailableError(TransientError):
    """The broker did not confirm in time, refused, or could not be reached."""


class PermanentError(ModelPickError):
    """Trying the same again cannot succeed."""


class InvalidMessageError(PermanentError):
    """A message body does not fit the contract of its type."""


class SettingsError(ModelPickError):
    """A setting is missing or has a value that cannot be used."""
