"""Every folder of tests is a package: without this file `import edge` would find `tests/edge`."""
