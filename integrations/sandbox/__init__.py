"""
A CRM to try things on: it plays the part of HubSpot's public v3 API that we use.

It runs as a process of its own with a store of its own, and can nothing that the real one
cannot: no idempotency keys, no preconditions, and a search that lags behind writes.
"""
