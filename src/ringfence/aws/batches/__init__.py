"""Many events at once, from CSV files in S3 or on this machine: imported, or scored into a file.

Files are read as a stream, whatever their size, and in parts: whoever begins again after a crash
begins at the end of a part.
"""
