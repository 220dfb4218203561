# %% [markdown]
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/YOUR_NAME/cctzoo/blob/main/notebooks/2_photographs_on_a_raspberry_pi.ipynb)
#
# # 2. Your photographs on a Raspberry Pi
#
# You fine-tune trained weights on a folder of photographs, export one file for ARM processors, and classify a photograph
# with the script that runs on the Pi: three packages, neither Keras nor TensorFlow.
#
# **What it takes**: about two minutes on two CPU cores, no GPU and no download of data. Packages: cctzoo with the
# extras `torch`, `recipes` and `export`. On Colab, the next cell installs them; in a clone, it does nothing.

# %%
# !pip show -q cctzoo || (git clone -q --depth 1 https://github.com/YOUR_NAME/cctzoo source && pip install -q "./source[recipes,export]")

# %%
import os
import shutil
import subprocess
import sys
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "torch")  # before Keras is imported; or jax, or tensorflow

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image, ImageDraw, ImageFilter

import cctzoo
from cctzoo import training

# %% tags=["parameters"]
PHOTOGRAPHS = 100  # of each class
EPOCHS = 12

# %% [markdown]
# ## A folder of photographs
#
# One folder per class is all that cctzoo asks for:
#
# ```text
# photographs/
#     apple/   000.jpg  001.jpg ...
#     banana/  ...
# ```
#
# **To use your own photographs**, skip the next cell and let `photographs` be the path of your folder. So that this
# notebook runs anywhere, the cell draws photographs of fruit: in different sizes, under different light, in front of
# different tables, turned, blurred and saved as JPEG.

# %%
CLASSES = ("apple", "banana", "lemon", "pear")


def draw_fruit(name, random):
    """Returns a picture of one fruit on a table, in a random size, light and position."""
    width, height = [(320, 240), (240, 320), (280, 280)][random.integers(3)]
    picture = Image.new("RGB", (width, height))
    draw = ImageDraw.Draw(picture)
    wall, table = random.integers(60, 220, 3), random.integers(60, 220, 3)
    horizon = int(height * random.uniform(0.3, 0.6))
    draw.rectangle((0, 0, width, horizon), fill=tuple(map(int, wall)))
    draw.rectangle((0, horizon, width, height), fill=tuple(map(int, table)))

    side = int(min(width, height) * random.uniform(0.5, 0.8))
    fruit = Image.new("RGBA", (200, 200))
    pen = ImageDraw.Draw(fruit)
    ripeness = random.uniform(0, 1)
    if name == "apple":
        skin = (int(120 + 110 * ripeness), int(170 - 140 * ripeness), 50)
        pen.ellipse((25, 45, 115, 180), fill=skin)
        pen.ellipse((85, 45, 175, 180), fill=skin)
        pen.line((100, 60, 112, 20), fill=(90, 60, 30), width=8)
    elif name == "banana":
        skin = (235, int(215 - 20 * ripeness), int(60 + 30 * ripeness))
        pen.ellipse((10, -60, 190, 160), fill=skin)
        pen.ellipse((20, -110, 180, 105), fill=(0, 0, 0, 0))
        pen.ellipse((8, 55, 24, 75), fill=(90, 70, 30))
    elif name == "lemon":
        skin = (245, int(225 - 15 * ripeness), 50)
        pen.ellipse((30, 55, 170, 150), fill=skin)
        pen.polygon([(155, 85), (195, 102), (155, 120)], fill=skin)
        pen.polygon([(45, 85), (12, 102), (45, 120)], fill=skin)
    else:
        skin = (int(165 + 40 * ripeness), int(190 - 20 * ripeness), 70)
        pen.ellipse((45, 80, 155, 190), fill=skin)
        pen.ellipse((68, 30, 132, 130), fill=skin)
        pen.line((100, 40, 108, 8), fill=(90, 60, 30), width=7)
    fruit = fruit.rotate(random.uniform(-40, 40)).resize((side, side))
    corner = (int(random.uniform(0, width - side)), int(random.uniform(0, height - side)))
    shadow = Image.new("RGBA", fruit.size, (0, 0, 0, 110))
    offset = (corner[0] + side // 14, corner[1] + side // 14)
    picture.paste(shadow, offset, fruit.getchannel("A").filter(ImageFilter.GaussianBlur(4)))
    picture.paste(fruit, corner, fruit.getchannel("A"))
    picture = picture.filter(ImageFilter.GaussianBlur(random.uniform(0.5, 2)))

    pixels = np.asarray(picture, "float32")
    angle = random.uniform(0, 2 * np.pi)
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    light = 0.95 + 0.3 * (np.cos(angle) * x + np.sin(angle) * y)[..., None]
    pixels = pixels * light * random.uniform(0.9, 1.1, 3) + random.normal(0, 8, pixels.shape)
    return Image.fromarray(pixels.clip(0, 255).astype("uint8"))


photographs = Path("runs", "photographs")
shutil.rmtree(photographs, ignore_errors=True)
random = np.random.default_rng(0)
for name in CLASSES:
    (photographs / name).mkdir(parents=True)
    for i in range(PHOTOGRAPHS):
        draw_fruit(name, random).save(photographs / name / f"{i:03d}.jpg", quality=85)

# %% [markdown]
# Class folders alone are divided: a fixed fifth of the photographs is the test part. Photographs of any size are turned
# upright, resized and cropped in the same way in training, in evaluation and on the device; this **view** travels with
# the model. Below: some photographs, and the 32 x 32 pixels of them that the model sees.

# %%
fruit = cctzoo.data.load(f"folder:{photographs}", image_size=32, color_mode="rgb")
print(
    fruit.classes,
    {part: len(getattr(fruit, f"y_{part}")) for part in ("train", "validation", "test")},
)
print(fruit.view)

figure, rows = plt.subplots(2, 8, figsize=(9, 2.5), layout="constrained")
for column, name in zip(range(8), CLASSES * 2, strict=True):
    path = photographs / name / f"{column:03d}.jpg"
    rows[0, column].imshow(Image.open(path))
    rows[1, column].imshow(cctzoo.data.read_images([path], (32, 32, 3), fruit.view)[0])
    rows[0, column].set_title(name, fontsize=9)
for axes in rows.flat:
    axes.set_axis_off()
plt.show()

# %% [markdown]
# ## Fine-tune trained weights
#
# A few hundred photographs are few. The run starts from `cct_2_3x2_32.cifar10`, weights in the package that know ten
# other classes; only the classifier is new. Flips and crops make the most of the photographs.

# %%
directory = Path("runs", "photographs_model")
shutil.rmtree(directory, ignore_errors=True)
recipe = training.Recipe(
    dataset=f"folder:{photographs}",
    start_from="cct_2_3x2_32.cifar10",
    image_size=32,
    color_mode="rgb",
    epochs=EPOCHS,
    warmup_epochs=1,
    batch_size=16,
    learning_rate=1e-3,
    augmentation=cctzoo.data.Augmentation(crop_padding=4, flip=True),
)
run = training.train(recipe, directory)
print(
    f"test accuracy: {run.figures['test_accuracy']:.1%} of {run.figures['test_samples']} photographs"
)

# %% [markdown]
# Photographs that a person has not seen before are the real test. These are drawn now; `cctzoo.predict` takes PIL
# images, paths and folders.

# %%
unseen = np.random.default_rng(1)
names = [CLASSES[unseen.integers(len(CLASSES))] for _ in range(8)]
pictures = [draw_fruit(name, unseen) for name in names]
predictions = cctzoo.predict(run.model, pictures, top=1)

figure, row = plt.subplots(1, 8, figsize=(9, 1.9), layout="constrained")
for axes, picture, name, prediction in zip(row, pictures, names, predictions, strict=True):
    right = prediction.classes[0] == name
    axes.imshow(picture)
    axes.set_title(f"{prediction}\n{'right' if right else f'wrong: {name}'}", fontsize=8)
    axes.set_axis_off()
plt.show()

# %% [markdown]
# ## One file for ARM
#
# A `.tflite` file runs on x86 and ARM alike: LiteRT chooses the instructions of the processor when it loads the file. With
# `dynamic_int8`, the weights are stored as int8 and multiplied by the int8 instructions of the Pi (on a Raspberry Pi 5, the
# dot product instruction `sdot`). The file appears only if it classifies the test photographs as Keras does.

# %%
samples, labels = run.dataset.draw("test", 80)
report = cctzoo.export.to_litert(
    run.model,
    directory / "fruit.tflite",
    "dynamic_int8",
    samples=samples,
    labels=labels,
    class_names=run.dataset.classes,
)
print(report)
print(
    f"{report.bytes / 1e3:.0f} kB, {report.partitions} partition for XNNPACK; operators: {report.operators}"
)

# %% [markdown]
# ## The folder for the Pi
#
# Copy this folder to the Pi, and create an environment with three packages there:
#
# ```sh
# scp -r runs/pi pi@raspberrypi:                                  # on this machine
# python3 -m venv venv && venv/bin/pip install numpy pillow ai-edge-litert   # on the Pi, 64 bits
# venv/bin/python classify_tflite.py fruit.tflite photo.jpg --top 3 --threads 4
# ```
#
# The next cell makes the folder and runs the same script in it as a program of its own.

# %%
clones = (Path("source"), Path(cctzoo.__file__).parents[1])  # of Colab, and yours
recipes = next(each / "recipes" / "device" for each in clones if (each / "recipes").is_dir())
pi = Path("runs", "pi")
shutil.rmtree(pi, ignore_errors=True)
pi.mkdir()
for file in (recipes / "classify_tflite.py", recipes / "tflite_graph.py", report.path):
    shutil.copy(file, pi)
(pi / "photos").mkdir()
for i, picture in enumerate(pictures):
    picture.save(pi / "photos" / f"{i}_{names[i]}.jpg", quality=85)
print(
    *sorted(f"{file.name}: {file.stat().st_size / 1e3:.0f} kB" for file in pi.glob("*.*")), sep="\n"
)

command = [sys.executable, "classify_tflite.py", "fruit.tflite", "photos", "--top", "2"]
done = subprocess.run(command, cwd=pi, capture_output=True, text=True)
print(done.stdout, done.stderr)
done.check_returncode()

# %% [markdown]
# The classes are those of Keras above. The milliseconds are those of *this* machine.
#
# ## Latency
#
# On this machine, the exported file next to Keras:

# %%
timed = cctzoo.latency.measure({"Keras": run.model, "LiteRT, dynamic int8": report.path}, runs=30)
print(timed)

# %% [markdown]
# A latency of another processor cannot be derived from these numbers. Time the file on the Pi itself: the script prints
# the milliseconds, and `--threads 4` uses all four cores. What is known without a device, answers and counts of
# instructions on emulated Cortex-A72 (Pi 4) and Cortex-A76 (Pi 5), is in `docs/guides/devices.md`.
#
# **Next**: [3. What 64 heads learn](3_what_64_heads_learn.ipynb) looks inside a model: which labels does each head
# recognise, before and after training?
