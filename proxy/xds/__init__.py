"""The xDS conversation, without I/O.

type_urls    the names of the resource types, in the order in which they are pushed
messages     DiscoveryRequest and DiscoveryResponse, bytes <-> values
stream       the state-of-the-world ADS stream of one proxy: requests in, responses out
"""
