"""The domains' APIs: reads apart from writes, each written once and given a blocking and an awaiting face."""
