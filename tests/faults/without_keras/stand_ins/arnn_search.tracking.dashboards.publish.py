"""No pages."""

print('{"warnings": []}')
