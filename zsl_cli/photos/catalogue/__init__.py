"""What is known of the photos of a library, so that each is read once: a folder on disk.

``catalogue.sqlite`` has a row a photo (where it is, what the file looked like, when and where it
was taken, or why it can't be read), ``embeddings.f16`` the embeddings. Labels, keywords and search
are made of these; no photo is opened for them.

``places`` says where the catalogue of a library lies, ``catalogue`` opens one, to be read at one of
its ``moments``, also after ``power_cuts``; ``scanning`` brings it up to date with the disk, one
``met_folder`` after the other, ``moving`` has it follow its library, ``borrowing`` gives it what
others know. ``overview`` counts, ``verification`` finds damage and mends it with ``recovery``,
``compaction`` leaves out what is unused, ``removal`` deletes.
"""
