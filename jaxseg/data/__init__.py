"""Images and masks: folders, synthetic lesions, batches, augmentation."""
