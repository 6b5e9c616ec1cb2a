"""Avro in, Avro out."""
