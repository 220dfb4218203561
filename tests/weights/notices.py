"""The notices of a load, by what they are about."""


def adaptations(caplog):
    """The notices without the one that says which settings of the model are used."""
    return [message for message in caplog.messages if "holds neither" not in message]
