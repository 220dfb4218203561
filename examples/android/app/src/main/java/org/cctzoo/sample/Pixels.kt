package org.cctzoo.sample

import kotlin.math.abs
import kotlin.math.ceil
import kotlin.math.floor
import kotlin.math.max
import kotlin.math.min
import kotlin.math.round

/**
 * An image as bytes of interleaved channels, resized and cropped as Pillow and cctzoo do.
 *
 * Android's own scaling leaves out pixels when it shrinks an image, and the model's answers change.
 */
class Pixels(val width: Int, val height: Int, val channels: Int, val values: IntArray) {
    /** The centre of the image, whose shorter side is first resized so that `share` of it fits. */
    fun view(width: Int, height: Int, share: Double, bicubic: Boolean): Pixels {
        val least = listOf(floor(width / share).toInt(), floor(height / share).toInt())
        val scale = max(least[0].toDouble() / this.width, least[1].toDouble() / this.height)
        val size = listOf(this.width, this.height).zip(least) { side, smallest ->
            max((side * scale + 1e-6).toInt(), smallest)
        }
        require(size[0].toLong() * size[1] <= MOST) { "The image is too long and narrow." }
        val resized = alongRows(size[0], bicubic).turned().alongRows(size[1], bicubic).turned()
        // round() takes halves to the even number, as Python does.
        return resized.crop(
            round((size[0] - width) / 2.0).toInt(),
            round((size[1] - height) / 2.0).toInt(),
            width,
            height
        )
    }

    /** Resizes each row: every new pixel is a weighted mean of all that it covers. */
    private fun alongRows(newWidth: Int, bicubic: Boolean): Pixels {
        if (newWidth == width) return this
        val scale = width.toDouble() / newWidth
        val stretch = max(scale, 1.0)
        val reach = (if (bicubic) 2.0 else 1.0) * stretch
        val result = IntArray(newWidth * height * channels)
        for (x in 0 until newWidth) {
            val centre = (x + 0.5) * scale
            val first = max((centre - reach + 0.5).toInt(), 0)
            val last = min((centre + reach + 0.5).toInt(), width)
            val weights = DoubleArray(last - first) {
                weight((it + first - centre + 0.5) / stretch, bicubic)
            }
            val sum = weights.sum()
            for (y in 0 until height) {
                for (c in 0 until channels) {
                    var value = 0.0
                    for (i in weights.indices) {
                        value += weights[i] * values[(y * width + first + i) * channels + c]
                    }
                    val rounded = floor(value / sum + 0.5).toInt()
                    result[(y * newWidth + x) * channels + c] = min(max(rounded, 0), 255)
                }
            }
        }
        return Pixels(newWidth, height, channels, result)
    }

    private fun weight(distance: Double, bicubic: Boolean): Double {
        val x = abs(distance)
        return when {
            !bicubic -> max(1 - x, 0.0)
            x < 1 -> (1.5 * x - 2.5) * x * x + 1
            x < 2 -> ((-0.5 * x + 2.5) * x - 4) * x + 2
            else -> 0.0
        }
    }

    private fun turned(): Pixels {
        val result = IntArray(values.size)
        for (i in values.indices) {
            val pixel = i / channels
            result[(pixel % width * height + pixel / width) * channels + i % channels] = values[i]
        }
        return Pixels(height, width, channels, result)
    }

    private fun crop(left: Int, top: Int, newWidth: Int, newHeight: Int): Pixels {
        val row = newWidth * channels
        val result = IntArray(row * newHeight) {
            values[((top + it / row) * width + left) * channels + it % row]
        }
        return Pixels(newWidth, newHeight, channels, result)
    }

    companion object {
        private const val MOST = 1L shl 26 // pixels of a resized image

        /** From Android's colours, 0xAARRGGBB; transparency is dropped. */
        fun of(colours: IntArray, width: Int, height: Int, channels: Int): Pixels {
            val values = IntArray(colours.size * channels)
            for (i in colours.indices) {
                val red = colours[i] shr 16 and 255
                val green = colours[i] shr 8 and 255
                val blue = colours[i] and 255
                if (channels == 1) {
                    values[i] = (red * 19595 + green * 38470 + blue * 7471 + 0x8000) shr 16
                } else {
                    values[3 * i] = red
                    values[3 * i + 1] = green
                    values[3 * i + 2] = blue
                }
            }
            return Pixels(width, height, channels, values)
        }
    }
}
