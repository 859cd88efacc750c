"""Where photos keep their metadata, and how it is got out of them: only that is read, never the
picture, and no more than a limit.

``parts`` knows JPEG, PNG and WebP, ``boxes`` what is laid out in boxes (HEIC, AVIF, JPEG XL, JPEG
2000, CR3), ``tiff`` TIFF files, most raw photos, and Exif, which is laid out as they are.
``reading`` is what all of them read with.
"""
