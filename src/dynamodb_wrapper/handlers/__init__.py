"""The domains' APIs: reads apart from writes, each written once and given a blocking and an awaiting face.

Nothing is gathered here: the package itself is the one door, `from dynamodb_wrapper import ReadApi`.
"""
