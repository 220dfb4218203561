package org.cctzoo.sample

import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.util.zip.Inflater
import org.json.JSONArray
import org.json.JSONObject

/** What cctzoo wrote into a `.tflite` file: how an image becomes the input, and what outputs mean. */
class Metadata(json: JSONObject) {
    private val input = json.getJSONObject("input")
    private val shape = input.getJSONArray("shape")
    private val view =
        requireNotNull(input.optJSONObject("view")) {
            "The model has no view: it was not trained on image files."
        }
    val height: Int = shape.getInt(0)
    val width: Int = shape.getInt(1)
    val channels: Int = shape.getInt(2)
    val orient: Boolean = view.getBoolean("orient")
    val cropPct: Double = view.getDouble("crop_pct")
    val bicubic: Boolean = view.getString("interpolation") == "bicubic"
    val normalised: Boolean = input.getBoolean("normalised_in_the_model")
    val mean: FloatArray = perChannel(input.opt("mean"))
    val std: FloatArray = perChannel(input.opt("std"))
    val logits: Boolean = json.getString("output") == "logits"
    val threshold: Boolean = json.optString("decision") == "threshold"
    val negative: String? = textOrNull(json, "negative_class_name")
    val classNames: List<String>? =
        json.optJSONArray("class_names")?.let { names -> List(names.length(), names::getString) }

    init {
        require(json.getString("output") in listOf("logits", "probabilities")) {
            "The model has no classes."
        }
    }

    /** A number for all channels, or one for each; null is "in the model". */
    private fun perChannel(value: Any?): FloatArray =
        when (value) {
            is Number -> FloatArray(channels) { value.toFloat() }
            is JSONArray -> FloatArray(channels) { value.getDouble(it).toFloat() }
            else -> FloatArray(channels)
        }

    private fun textOrNull(json: JSONObject, name: String): String? =
        if (json.isNull(name)) null else json.getString(name)

    companion object {
        private const val LARGEST = 1 shl 24 // bytes of metadata.json

        /** Reads `metadata.json` of the zip archive that follows the graph. */
        fun read(file: ByteBuffer): Metadata {
            val bytes = file.duplicate().order(ByteOrder.LITTLE_ENDIAN)
            return Metadata(JSONObject(String(entry(bytes, "metadata.json"), Charsets.UTF_8)))
        }

        /** An entry of a zip archive; java.util.zip takes neither a buffer nor an asset. */
        private fun entry(bytes: ByteBuffer, name: String): ByteArray {
            // The archive has no comment: its end record is the last 22 bytes.
            val end = bytes.limit() - 22
            require(end >= 0 && bytes.getInt(end) == 0x06054b50) { "No metadata: not by cctzoo?" }
            var at = bytes.getInt(end + 16)
            repeat(bytes.getShort(end + 10).toInt()) {
                val nameSize = bytes.getShort(at + 28).toInt()
                if (String(slice(bytes, at + 46, nameSize), Charsets.UTF_8) == name) {
                    return unpacked(bytes, at)
                }
                at += 46 + nameSize + bytes.getShort(at + 30) + bytes.getShort(at + 32)
            }
            throw IllegalArgumentException("No $name in the file: not by cctzoo?")
        }

        private fun unpacked(bytes: ByteBuffer, directory: Int): ByteArray {
            val size = bytes.getInt(directory + 24)
            val header = bytes.getInt(directory + 42)
            require(size in 0..LARGEST) { "metadata.json has $size bytes." }
            val start = header + 30 + bytes.getShort(header + 26) + bytes.getShort(header + 28)
            val packed = slice(bytes, start, bytes.getInt(directory + 20))
            if (bytes.getShort(directory + 10).toInt() == 0) return packed // stored
            val inflater = Inflater(true)
            inflater.setInput(packed)
            val result = ByteArray(size)
            var count = 0
            while (count < size && !inflater.finished()) {
                val read = inflater.inflate(result, count, size - count)
                require(read > 0) { "metadata.json is damaged." }
                count += read
            }
            inflater.end()
            return result
        }

        private fun slice(bytes: ByteBuffer, start: Int, size: Int): ByteArray {
            val result = ByteArray(size)
            val copy = bytes.duplicate()
            copy.position(start)
            copy.get(result)
            return result
        }
    }
}
