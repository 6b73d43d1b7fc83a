"""The AWS wire protocols over all rooms: clients of AWS's services work when they are pointed here.

`wire` reads requests and writes answers by the models that AWS publishes; a folder for each service
says what its operations do. A handler calls the rooms, as our own API does, and knows nothing of
HTTP.
"""
