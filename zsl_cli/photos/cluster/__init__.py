"""Past one machine: photos and parts in object stores, a run over them on Ray, what comes of it."""
