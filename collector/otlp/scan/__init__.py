"""The compiled scanner of span requests. It may say "I do not know"; the reference never does.

primitives   wire format, UTF-8, JSON text, interning: compiled
attributes   the attributes of one span: compiled
spans        a whole request: compiled
requests     bodies -> arrays, by one call
engine       compile once per machine, without making anyone wait
"""
