"""What crosses the network: signing, credentials, HTTP, transports and the codecs of the service's JSON.

Knows bytes, sockets and the service's protocol. Must not know models, expressions or operations: all it is
given is a `Call`, and all it gives back is the reply's bytes or an error of `dynamodb_wrapper.exceptions`.
"""
