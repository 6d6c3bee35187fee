"""Secrets and personal data out of a batch, before anything is stored. Values in, values out.

    policy       what is masked: keys, patterns, and how
    policy_file  YAML -> Policy, mistakes with file and line
    keys         which attribute keys are masked by their name
    patterns     kinds of secrets that are told by their form
    cards        card numbers: issuers, lengths, the Luhn check
    mask         what stands where a secret was
    text         one value -> the same value without secrets
    document     JSON values -> the same without secrets
    column       which rows of a column are worth a look
    redactor     a Batch -> a Batch without secrets, and counts of what was masked

No I/O and no clock: the composition root reads the file. What is masked is never logged.
"""
