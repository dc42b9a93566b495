"""Reports: the week's governance report, from stored rows to a signed bundle. It only reads what others measured."""
